"""Wing 1, from images and class names to pseudo-labels: detect, segment, rasterise."""
