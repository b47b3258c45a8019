"""Scans on the machines of a cluster: what is sent there, what is done there, and what comes back.

`engine.py` says what a cluster can do, `ray_engine.py` does it with Ray; `parcel.py` packs files, `job.py` is what is
said of a scan and its answer; `fleet.py` runs in the command's process, `node.py` and `station.py` on the machines.
"""
