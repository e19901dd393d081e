"""The program that decodes: one process per file, with limits. Nothing else reads media.

It is started by `core.media.child`, which is where its protocol is described.
Imports of hostile formats' decoders belong in here and nowhere else.
"""
