"""Train a network on the patterns of one scan: losses, the loop, and its checkpoints."""
