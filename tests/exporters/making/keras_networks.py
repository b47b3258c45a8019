"""Small Keras networks for images `(n, 16, 16, 3)`; they end in the layer `logits`."""

import keras
from keras import layers, ops

CLASSES = 6
SIZE = 16


def make_cnn(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.MaxPooling2D()(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    x = layers.MaxPooling2D()(layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(x))
    return layers.Dense(24, activation="relu")(layers.Flatten()(x))


def make_mlp(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Dense(4, activation="tanh")(layers.Flatten()(x))
    return layers.Dense(12, activation="elu")(layers.Dropout(0.2)(layers.BatchNormalization()(x)))


def make_resnet(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(layers.Rescaling(2.0, -1.0)(x))
    x = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU()(layers.BatchNormalization()(x)))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x)))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y))
    return layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y])))


def make_mobilenet(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Activation("hard_swish")(layers.BatchNormalization()(layers.Conv2D(8, 3, 2, padding="same")(x)))
    y = layers.Activation("hard_swish")(layers.BatchNormalization()(layers.Conv2D(16, 1)(x)))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(layers.ZeroPadding2D(1)(y))
    y = layers.ReLU(max_value=6)(layers.BatchNormalization()(layers.Cropping2D(1)(y)))
    scale = layers.GlobalAveragePooling2D(keepdims=True)(y)
    scale = layers.Conv2D(16, 1, activation="hard_sigmoid")(layers.Conv2D(4, 1, activation="relu")(scale))
    y = layers.BatchNormalization()(layers.Conv2D(8, 1)(layers.Multiply()([y, scale])))
    x = layers.SeparableConv2D(12, 3, padding="same", activation="silu")(layers.Add()([x, y]))
    return layers.GlobalMaxPooling2D()(x)


class Positions(layers.Layer):
    """Learnt positions, added to the tokens."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(shape=(1, *shape[1:]), initializer="random_normal", name="table")

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        return tokens + self.table


def approximate_gelu(x: keras.KerasTensor) -> keras.KerasTensor:
    """The exact one is exported as an operator that does not exist (tf2onnx 1.17 knows no Erfc)."""
    return ops.gelu(x, approximate=True)


def make_vit(x: keras.KerasTensor) -> keras.KerasTensor:
    x = Positions()(layers.Reshape((16, 12))(layers.Conv2D(12, 4, 4)(x)))
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 6)(y, y)])
    y = layers.Dense(24, activation=approximate_gelu)(layers.LayerNormalization(epsilon=1e-6)(x))
    x = layers.Add()([x, layers.Dense(12)(y)])
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))


def make_lstm(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Bidirectional(layers.LSTM(8))(layers.Reshape((SIZE, -1))(x))


def make_gru(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.GRU(8)(layers.GRU(8, return_sequences=True)(layers.Reshape((SIZE, -1))(x)))


def make_densenet(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Conv2D(6, 3, padding="same")(x)
    for _ in range(2):
        y = layers.Conv2D(6, 3, padding="same")(layers.LeakyReLU()(layers.BatchNormalization()(x)))
        x = layers.Concatenate()([x, y])
    return layers.GlobalAveragePooling2D()(layers.AveragePooling2D(3, 2, padding="same")(x))


def make_oddities(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(8, 3, dilation_rate=2, padding="same")(x))
    x = layers.Conv2DTranspose(6, 3, 2, padding="same", activation="selu")(layers.MaxPooling2D()(x))
    x = layers.Conv2D(6, 3, activation="softplus")(layers.UpSampling2D(interpolation="bilinear")(x))
    x = layers.GroupNormalization(3)(layers.UpSampling2D()(layers.MaxPooling2D(4)(x)))
    return layers.Flatten()(layers.Resizing(4, 4)(x))


NETWORKS = {
    name.removeprefix("make_"): function for name, function in list(globals().items()) if name.startswith("make_")
}
HEADS = {
    "logits": lambda z: [z],
    "softmax": lambda z: [layers.Softmax(name="scores")(z)],
    "sigmoid": lambda z: [layers.Activation("sigmoid", name="scores")(z)],
    "several": lambda z: [z, layers.Softmax(name="scores")(z)],
}
SPREAD = 2.0  # standard deviation of the logits across inputs


def make_network(architecture: str, head: str, batch: int | None = None) -> keras.Model:
    """A network with settled batch norms, whose logits vary between images."""
    keras.utils.set_random_seed(sum(architecture.encode()))
    image = keras.Input((SIZE, SIZE, 3), batch_size=batch, name="image")
    logits = layers.Dense(CLASSES, name="logits")
    z = logits(NETWORKS[architecture](image))
    settle(keras.Model(image, z), logits)
    network = keras.Model(image, HEADS[head](z), name=architecture)
    network(ops.zeros((batch or 1, SIZE, SIZE, 3)))  # Keras exports only what was called once
    return network


def settle(network: keras.Model, logits: layers.Dense) -> None:
    """Random affine parameters, running statistics of random images, logits of a known spread."""
    batch = network.inputs[0].shape[0] or 32
    draw = keras.random.SeedGenerator(0)
    for layer in network.layers:
        for weight in [*getattr(layer, "weights", [])]:
            if weight.name in ("gamma", "moving_variance", "beta", "moving_mean"):
                low, high = (0.6, 1.4) if weight.name in ("gamma", "moving_variance") else (-0.3, 0.3)
                weight.assign(keras.random.uniform(weight.shape, low, high, seed=draw))
    many = [keras.random.uniform((batch, SIZE, SIZE, 3), maxval=0.2 * i, seed=draw) for i in range(1, 6)]
    spread = ops.mean(ops.std(ops.concatenate([network(images) for images in many]), axis=0))
    logits.kernel.assign(logits.kernel * SPREAD / spread)
