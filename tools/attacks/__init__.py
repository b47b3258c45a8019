"""Backdoor attacks on image classifiers, one file an attack, under its published name.

`tools.attacks.registry.ATTACKS` lists them. An attack draws its triggers, says whom they aim at, and has a network
learn them; the zoo (`tools.zoo`) brings data, network and training schedule.
"""
