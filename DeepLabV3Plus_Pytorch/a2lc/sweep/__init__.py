"""Sweeps: data sets x methods x seeds from one file, in processes of this machine or as jobs of a SLURM cluster."""
