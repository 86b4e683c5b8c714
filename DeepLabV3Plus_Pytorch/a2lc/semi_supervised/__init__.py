"""Trainings with unlabelled images: semi-supervised, with a share of the labels, or adapted from another data set."""
