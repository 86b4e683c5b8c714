"""What every other room stands on: errors, files, locks, random numbers, settings, images, processes."""
