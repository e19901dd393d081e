"""Local stand-ins for the paid providers: real HTTP servers that bill a ledger instead of a card.

Nothing here is imported by the application, and nothing of the application is imported here: what
they prove about each other would be worth little otherwise.
"""
