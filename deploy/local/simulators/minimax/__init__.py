"""MiniMax's two video APIs on one port: v1 (Hailuo 2.3, 02, the *-01 models) and v2 (H3)."""
