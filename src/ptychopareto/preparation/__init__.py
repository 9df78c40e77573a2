"""From what a file says of a measured scan to a training and a test scan, and what was assumed.

What cannot be right is found before anything is trained.
"""
