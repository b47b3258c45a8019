"""Small classifiers of four or two kinds of points in twelve dimensions, exported by scikit-learn's own exporter."""

from typing import Any

import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.svm import SVC

from tests.exporters.making.catalogue import FOLDER

FEATURES, CLASSES, POINTS = 12, 4, 300
NAMES = np.array(["ash", "birch", "cedar", "dogwood"])


def list_models(labels: Any) -> dict[str, tuple[Any, Any]]:
    """Classifiers and what they learn, by the names of their files."""
    few = {"max_iter": 400, "random_state": 0}
    return {
        "logistic": (LogisticRegression(), labels),
        "logistic-two-classes": (LogisticRegression(), labels // 2),
        "logistic-names": (LogisticRegression(), NAMES[labels]),
        "logistic-from-one": (LogisticRegression(), labels + 1),
        "network": (MLPClassifier((10,), **few), labels),
        "network-two-classes": (MLPClassifier((10,), **few), labels // 2),
        "network-names": (MLPClassifier((10, 8), activation="tanh", **few), NAMES[labels]),
        "standard-logistic": (make_pipeline(StandardScaler(), LogisticRegression()), labels),
        "minmax-network": (make_pipeline(MinMaxScaler(), MLPClassifier((10,), **few)), labels),
        "robust-network": (make_pipeline(RobustScaler(), MLPClassifier((10,), **few)), NAMES[labels]),
        "unit-length-logistic": (make_pipeline(Normalizer(), LogisticRegression()), labels),
        "ridge": (RidgeClassifier(), labels),
        "gradient-descent": (SGDClassifier(loss="log_loss", random_state=0), labels),
        "perceptron": (Perceptron(random_state=0), labels),
        "bayes": (GaussianNB(), labels),
        "forest": (RandomForestClassifier(3, max_depth=3, random_state=0), labels),
        "boosting": (GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=0), labels),
        "support-vectors": (SVC(probability=False), labels // 2),
    }


def main() -> None:
    """Write all files anew."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, POINTS)
    points = rng.standard_normal((POINTS, FEATURES)) + 1.5 * rng.standard_normal((CLASSES, FEATURES))[labels]
    for name, (model, taught) in list_models(labels).items():
        model.fit(points.astype(np.float32), taught)
        proto = to_onnx(model, points[:1].astype(np.float32))
        (FOLDER.parent / "scikit" / f"{name}.onnx").write_bytes(proto.SerializeToString())


if __name__ == "__main__":
    main()
