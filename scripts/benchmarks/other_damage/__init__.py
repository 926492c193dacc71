"""Damage by other means than `vsrestore.damage`, which no network is trained on.

It shares no code, shape or statistic with that room: marks are drawn with Pillow at four times the size or cut out of
filtered noise, and laid on in optical density; tape is filtered by its spectrum. Whole clips are damaged at once.
"""
