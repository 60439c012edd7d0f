"""The demo: the whole loop on one machine, with real images and a real model that improves; every step is checked."""
