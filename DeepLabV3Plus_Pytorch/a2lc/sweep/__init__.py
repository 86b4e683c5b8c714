"""Sweeps: data sets x methods x seeds from one file, in processes of this machine or as jobs of a SLURM cluster."""

from a2lc.sweep.jobs import Job, jobs_of
from a2lc.sweep.local import run_jobs
from a2lc.sweep.settings import SweepRun, SweepSettings, load_sweep
from a2lc.sweep.slurm import submit_jobs
from a2lc.sweep.sweep import run_sweep

__all__ = ["Job", "SweepRun", "SweepSettings", "jobs_of", "load_sweep", "run_jobs", "run_sweep", "submit_jobs"]
