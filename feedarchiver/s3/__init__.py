"""Object stores that speak S3: what the archive and the published folder have in common when they lie in one.

address.py      s3://bucket/prefix, and who answers there
credentials.py  whose name requests are signed in, out of the environment and the profiles of the AWS tools
remote.py       keys and bytes: put, get, list, remove, several at a time

Whatever an S3 store says comes out of here as one of the errors in errors.py. obstore is loaded when a store is
connected to, and by nothing else.
"""
