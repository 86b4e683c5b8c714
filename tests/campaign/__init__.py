"""Every verb is killed anywhere, continued with the same command, and compared with one left alone."""
