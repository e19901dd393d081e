"""The program that decodes: one process per file, with limits. Nothing else reads media.

`core.media.server` starts it; `core.media.child` is where its protocol is described.
Imports of hostile formats' decoders belong in here and nowhere else.
"""
