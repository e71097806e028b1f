"""The demo: the main job from a file to a compared result, on a real or simulated switch."""

from callcamp.demo.options import DemoOptions
from callcamp.demo.run import run_demo

__all__ = ["DemoOptions", "run_demo"]
