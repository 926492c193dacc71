"""Segments of a job on several machines, by Dask: a worker renders one at a time into the job's folder."""
