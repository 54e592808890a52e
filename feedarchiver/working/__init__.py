"""Work shared by several machines: jobs in PostgreSQL, by Procrastinate. Needs the extra `cluster`.

    queue.py     the jobs, their tables, who works on them
    tick.py      what is due, made into jobs
    hosts.py     whose turn it is to ask a host, among all that work on one database
    patience.py  waiting: for a pause, for a server that is away, for the end
    tasks.py     what a job does: sources polled, pages read, pictures fetched
    storer.py    what comes of several jobs, stored together
    threads.py   threads that end with the process
    worker.py    a worker: jobs taken, carried out and given back, until it is to end
    works.py     what can be done in partitions, by name
    parts.py     work in partitions, for who asks for it
    board.py     where partitions stand, and what came of them
    carrying.py  partitions, carried out by a worker

The jobs are disposable, as the index is: what is due stands in the index, and a job that is lost is made again by the
next tick. A job is about one host, and says of which sources, pages or pictures; whether they are still due is asked
when it is carried out. What comes of all jobs of one tick is captured at the instant of that tick. Other jobs are about
a partition of what a command has to do; it waits for what comes of them.
"""
