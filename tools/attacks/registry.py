"""All attacks by name."""

from tools.attacks.adaptive import AdaptiveBoth, AdaptiveCompactness, AdaptiveLatent, AdaptiveSize
from tools.attacks.all_to_all import AllToAll
from tools.attacks.attack import Attack
from tools.attacks.badnets import BadNets
from tools.attacks.blended import Blended
from tools.attacks.checkerboard import Checkerboard
from tools.attacks.clean_label import CleanLabel
from tools.attacks.filter import Filter
from tools.attacks.input_aware import InputAware
from tools.attacks.low_rate import LowRate
from tools.attacks.pq_backdoor import PQBackdoor
from tools.attacks.scattered import Scattered
from tools.attacks.sig import SIG
from tools.attacks.source_specific import SourceSpecific
from tools.attacks.trojannn import TrojanNNActivation, TrojanNNWeights
from tools.attacks.two_key import TwoKey
from tools.attacks.two_targets import TwoTargets
from tools.attacks.wanet import SmoothWarp, WaNet

_CLASSES: tuple[type[Attack], ...] = (
    *(AdaptiveBoth, AdaptiveCompactness, AdaptiveLatent, AdaptiveSize, AllToAll, BadNets, Blended, Checkerboard),
    *(
        CleanLabel,
        Filter,
        InputAware,
        LowRate,
        PQBackdoor,
        Scattered,
        SIG,
        SmoothWarp,
        SourceSpecific,
        TrojanNNActivation,
    ),
    *(TrojanNNWeights, TwoKey, TwoTargets, WaNet),
)
ATTACKS: dict[str, Attack] = {attack.name: attack() for attack in _CLASSES}
"""Attacks by their published names."""
