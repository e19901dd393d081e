"""OpenAI's image endpoints as far as an edit needs them, with its errors, headers and bills."""
