"""Flows of random shape, run by the scheduler and by Metaflow's own runtime, and compared.

The generator is the kit's own and seeded, and no property-testing library drives it: one example
costs seconds and several run side by side, while such a library calls one function after another,
hundreds of times when it shrinks. What is drawn is a tree, so that shrinking it is a short search.
"""
