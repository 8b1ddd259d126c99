"""GLAD: unsupervised video domain adaptation for action recognition across a large gap."""

__version__ = "0.1.0"
