"""Wing 1, from images and class names to pseudo-labels: reserved, nothing is built here yet."""
