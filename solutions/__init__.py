"""The masters of the exercises, and the scripts that train the reference networks."""
