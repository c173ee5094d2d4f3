"""Private names of Keras and TensorFlow."""


def flatten_layers(model):
    """All layers in a model or layer, at any depth, itself included."""
    return model._flatten_layers()


class HearsOfBatches:
    """A mixin for `keras.Model`: `batches_of_fit` is called with the iterator over batches that `fit` has made."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        self.batches_made(iterator)
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)
