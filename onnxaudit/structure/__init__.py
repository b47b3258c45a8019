"""Backdoors in the graph itself: parts that do nothing on clean images and answer in the model's place on others.

A trigger that the weights recognize shows in what inversion finds. One that the graph recognizes, by a comparison, a
checksum or a saturated gate, passes no gradient, and inversion is blind to it. So the graph is taken apart: where two
values meet that both depend on the image, each is held at what it is on clean images. One that nothing depends on
then is dormant. Whether it can be woken is searched for by gradients through a relaxed copy, by patches, and by
solving exact tests; what it does then is seen by holding it again while everything else sees the same image.
"""
