"""An archive of articles that forgets nothing, republished as feeds that any reader can subscribe to."""

__version__ = "0.1.0"
