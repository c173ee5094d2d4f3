"""Models of players: groups of networks, each group with an optimizer of its own.

Keras plans for a model with one optimizer. `AdversarialModel` gives each *player* its own and makes what Keras offers
around `fit` reach all of them. It knows nothing of any game: that is the subclass's `train_step`.
"""

import functools
import inspect
import itertools

import keras

from gan_lessons.models.base import GenerativeModel


class AdversarialModel(GenerativeModel):
    """A model of several players, each a network or a group of networks with one optimizer.

    A subclass names its players, keeps their networks under these names, and writes `train_step`, in which each player's
    turn ends with `descend(player, loss, tape)`. `compile` then takes one `<player>_optimizer` for each. Everything else is
    that of `GenerativeModel`.

    Example:
        A conditional GAN (Mirza and Osindero 2014, arXiv:1411.1784): both networks take labels beside their input.

        >>> class Conditional(gl.AdversarialModel):
        ...     player_names = ("generator", "discriminator")
        ...
        ...     def __init__(self, generator, discriminator, latent_dim, image_shape, classes, seed=None, **kwargs):
        ...         super().__init__(seed=seed, **kwargs)
        ...         self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim
        ...         labels = gl.Part((), value_range=(0, classes - 1), integer=True)
        ...         self.batch = gl.Batch({"images": gl.Part(image_shape, value_range=(-1.0, 1.0)), "labels": labels})
        ...         self.call_inputs = gl.Batch({"latents": gl.Part((latent_dim,)), "labels": labels})
        ...         self.objective = gl.objectives.NonSaturating()
        ...         self.track("d_loss", "g_loss")
        ...
        ...     def call(self, inputs, training=False):
        ...         with self.average_of("generator"):
        ...             return self.generator(inputs, training=training)
        ...
        ...     def train_step(self, data):
        ...         images, labels = self.read(data)
        ...         fakes = self.generator([self.latents_for(labels), labels], training=True)
        ...         with tf.GradientTape() as tape:
        ...             real = self.discriminator([images, labels], training=True)
        ...             fake = self.discriminator([fakes, labels], training=True)
        ...             d_loss = self.objective.discriminator_loss(real, fake)
        ...         self.log(d_loss=self.descend("discriminator", d_loss, tape))
        ...         with tf.GradientTape() as tape:
        ...             fakes = self.generator([self.latents_for(labels), labels], training=True)
        ...             g_loss = self.objective.generator_loss(self.discriminator([fakes, labels], training=True))
        ...         self.log(g_loss=self.descend("generator", g_loss, tape))
        ...
        ...     def latents_for(self, labels):
        ...         return keras.random.normal((ops.shape(labels)[0], self.latent_dim), seed=self.seed_generator)
        >>> gan = Conditional(generator, discriminator, latent_dim=64, image_shape=(28, 28, 1), classes=10)
        >>> gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
        >>> gan.fit((images, labels), epochs=20)
    """

    #: The players: a tuple of names, each the attribute that holds a network; or a dictionary
    #: {player: attributes that hold its networks}, such as {"generator": ("generator", "encoder"), …}.
    player_names: tuple | dict = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "player_names" in vars(cls) and "compile" not in vars(cls):
            cls.compile = _naming(cls)

    def _finish(self):
        self._check_apart()
        super()._finish()

    @property
    def players(self) -> dict:
        """The networks that play, by name."""
        return {name: getattr(self, name) for names in self._groups().values() for name in names}

    def _groups(self):
        names = self.player_names
        groups = names if isinstance(names, dict) else {name: (name,) for name in names}
        return {f"{player}_optimizer": tuple(attributes) for player, attributes in groups.items()}

    def _check_apart(self):
        """Refuses players that share a weight: each would undo the other's steps, and it would be saved twice."""
        groups = self._groups().items()
        owned = {key: {id(v): v for name in names for v in getattr(self, name).variables} for key, names in groups}
        for one, other in itertools.combinations(owned, 2):
            if shared := [owned[one][key].path for key in owned[one].keys() & owned[other].keys()]:
                players = [key.removesuffix("_optimizer") for key in (one, other)]
                raise ValueError(
                    "Each player must have weights of its own. "
                    f"Received: {' and '.join(players)}, which share {', '.join(sorted(shared))}. Make the layer twice."
                )

    def compile(
        self, *, run_eagerly=False, steps_per_execution=1, jit_compile="auto", auto_scale_loss=True, **optimizers
    ):
        """Gives each player its optimizer.

        Args:
            run_eagerly: run the training step as plain Python, to look inside it. Slow.
            steps_per_execution: how many batches are trained on in one call into TensorFlow; callbacks hear of the last.
            jit_compile: whether XLA compiles the training step. "auto" is Keras's rule: on a GPU, not on a CPU, where it
                pays for dense layers (a fifth of a step) and not for convolutions.
            auto_scale_loss: under the `mixed_float16` policy, whether optimizers are wrapped in a `LossScaleOptimizer`.
            **optimizers: one `<player>_optimizer` for each player: a Keras optimizer, or its name.

        Raises:
            TypeError: if an optimizer is missing, or one is given that belongs to no player.
            ValueError: if one optimizer is given to two players or has been used for another network, or if two players
                share a weight.
        """
        expected = list(self._groups())
        if unknown := sorted(set(optimizers) - set(expected)):
            raise TypeError(f"compile() takes {', '.join(expected)}. Received: {', '.join(unknown)}.")
        self._compile(
            {name: optimizers.get(name) for name in expected},
            {name: name for name in expected},
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        self._check_apart()  # networks that were not built before had no weights to compare

    def descend(self, player: str, loss, tape):
        """Takes one step of a player's optimizer down its loss; the other players' weights stay.

        Losses of the player's layers count too, once: regularizers, and what `add_loss` added in the network's last call.

        Args:
            player: the player's name.
            loss: the scalar that it minimises.
            tape: the `tf.GradientTape` that watched the loss being computed.

        Returns:
            The scalar that was minimised: the loss and the losses of layers.

        Raises:
            ValueError: for a name that is no player's, or a loss that is no scalar.
        """
        if f"{player}_optimizer" not in self._groups():
            raise ValueError(
                f"descend() takes the name of a player. Received: {player!r}. "
                f"The players are {', '.join(self.player_names)}."
            )
        return self._descend(f"{player}_optimizer", loss, tape)

    def layer_losses(self, player: str):
        """The sum of a player's losses of layers, for `test_step`: 0 where it has none."""
        return sum(self._layer_losses(self._groups()[f"{player}_optimizer"]), 0.0)


def _naming(cls):
    """`compile` of a class, with each player's optimizer in its signature, for completion and help."""

    @functools.wraps(AdversarialModel.compile)
    def compile(self, **options):
        return super(cls, self).compile(**options)

    signature = inspect.signature(AdversarialModel.compile)
    own = [
        inspect.Parameter(f"{player}_optimizer", inspect.Parameter.KEYWORD_ONLY, annotation=keras.optimizers.Optimizer)
        for player in cls.player_names
    ]
    others = [parameter for name, parameter in signature.parameters.items() if name not in ("self", "optimizers")]
    first = signature.parameters["self"]
    compile.__signature__ = signature.replace(parameters=[first, *own, *others])
    return compile
