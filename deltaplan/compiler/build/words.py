"""Vocabulary besides our own: what comes later, what never does, and what other tools call things."""

from deltaplan.dsl.stop import LOOPS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RECURRENCE = ("recurrence", "loops over time")
ATTENTION = ("attention", "products of batches and masks")
CONDITION = ("a condition", "lines that hang on values")
EMBEDDING = ("an embedding", "look-ups by index and variable lengths")
OUT_OF_SCOPE = {
    **dict.fromkeys(_words("lstm gru rnn simple_rnn recurrent bidirectional"), RECURRENCE),
    **dict.fromkeys(_words("attention self_attention multi_head_attention transformer"), ATTENTION),
    **dict.fromkeys(_words("if elif else switch case when"), CONDITION),
    **dict.fromkeys(_words("embedding embed positional_encoding"), EMBEDDING),
}

# What other tools have a setting for, and where it is to be found here.
ELSEWHERE = {
    **dict.fromkeys(
        _words("weight_decay decay"), "`adamw(weight_decay=…)` has it; a penalty is `minimize … + l2(…)`"
    ),
    "momentum": "`sgd(lr=…, momentum=…)` has it",
    **dict.fromkeys(_words("shuffle"), "the training part is shuffled anew in every epoch"),
    **dict.fromkeys(
        _words("validation validation_split test test_size val_split"),
        "a part of the rows is `split train=80% validation=20%` in `data`",
    ),
    **dict.fromkeys(_words("device cuda gpu cpu"), "training runs on the processor"),
    **dict.fromkeys(_words("save checkpoint save_model output_dir"), "every run is saved in its own folder"),
    **dict.fromkeys(_words("verbose log logging"), "`deltaplan train --quiet` prints less"),
}

APPLIED = ("softmax",)  # layers that a spec applies like activations: `apply softmax`

# What other tools call things, in lower case, and our word for it.
FOREIGN = {
    **dict.fromkeys(_words("linear fc fully_connected affine hidden_layer"), "dense"),
    **dict.fromkeys(_words("conv2d conv1d convolution convolutional convolution2d"), "conv"),
    **dict.fromkeys(_words("maxpool maxpool1d maxpool2d maxpooling2d max_pooling max_pooling2d"), "max_pool"),
    **dict.fromkeys(
        _words("avgpool avgpool1d avgpool2d averagepooling2d average_pool mean_pool"), "avg_pool"
    ),
    **dict.fromkeys(
        _words("globalaveragepooling2d global_average_pool adaptive_avg_pool"), "global_avg_pool"
    ),
    **dict.fromkeys(_words("batchnorm batchnorm1d batchnorm2d batchnormalization bn"), "batch_norm"),
    **dict.fromkeys(_words("layernorm layernormalization ln"), "layer_norm"),
    **dict.fromkeys(_words("upsampling upsampling2d unpool upsample2d"), "upsample"),
    **dict.fromkeys(_words("gaussian_noise gaussiannoise"), "noise"),
    **dict.fromkeys(_words("multiply product hadamard"), "mul"),
    **dict.fromkeys(_words("subtract difference"), "sub"),
    **dict.fromkeys(_words("concatenate cat merge"), "concat"),
    **dict.fromkeys(_words("kernel_size filter_size"), "kernel"),
    **dict.fromkeys(_words("strides subsample"), "stride"),
    **dict.fromkeys(_words("pad border_mode"), "padding"),
    **dict.fromkeys(_words("dilation_rate"), "dilation"),
    **dict.fromkeys(_words("acc"), "accuracy"),
    **dict.fromkeys(_words("f1_score"), "f1"),
    **dict.fromkeys(_words("r2_score"), "r2"),
    **dict.fromkeys(_words("auroc roc_auc"), "auc"),
    **dict.fromkeys(_words("mse mean_squared_error mseloss mse_loss"), "squared_error"),
    **dict.fromkeys(_words("mae mean_absolute_error l1_loss"), "absolute_error"),
    **dict.fromkeys(
        _words("crossentropy categorical_crossentropy crossentropyloss nll_loss"), "cross_entropy"
    ),
    **dict.fromkeys(_words("bce binary_crossentropy bceloss"), "logistic"),
    **dict.fromkeys(_words("swish"), "silu"),
    **dict.fromkeys(_words("none"), "identity"),
    **dict.fromkeys(_words("weight_decay ridge tikhonov"), "l2"),
    **dict.fromkeys(_words("lasso"), "l1"),
    **dict.fromkeys(_words("learning_rate rate eta step_size"), "lr"),
    **dict.fromkeys(_words("beta_1"), "beta1"),
    **dict.fromkeys(_words("beta_2"), "beta2"),
    **dict.fromkeys(_words("epsilon"), "eps"),
    **dict.fromkeys(_words("kernel_initializer initializer weight_init"), "init"),
    **dict.fromkeys(_words("xavier glorot_uniform xavier_uniform"), "glorot"),
    **dict.fromkeys(_words("kaiming he_normal kaiming_normal"), "he"),
    **dict.fromkeys(_words("use_bias"), "bias"),
    **dict.fromkeys(_words("batch_size"), "batch"),
    **dict.fromkeys(_words("random_seed random_state"), "seed"),
    **dict.fromkeys(_words("max_iter iterations"), "steps"),
    **dict.fromkeys(_words("dtype"), "precision"),
    **dict.fromkeys(_words("early_stopping early_stop"), "stop_early"),
    **dict.fromkeys(_words("clip_norm clipnorm clip_grad_norm grad_clip gradient_clipping"), "clip"),
    **dict.fromkeys(_words("steplr multisteplr step_decay piecewise"), "step"),
    **dict.fromkeys(_words("cosine_annealing cosineannealinglr cosine_decay"), "cosine"),
    **dict.fromkeys(_words("linearlr linear_decay"), "linear"),
    **dict.fromkeys(_words("inverse_time_decay"), "inv"),
    **dict.fromkeys(_words("metrics metric"), "monitor"),
    **dict.fromkeys(_words("float"), "float32"),
    **dict.fromkeys(_words("double"), "float64"),
    **dict.fromkeys(_words("scale normalize"), "standardize"),
    **dict.fromkeys(_words("features columns"), "inputs"),
    **dict.fromkeys(_words("labels label target"), "targets"),
    **dict.fromkeys(_words("outputs"), "output"),
    **dict.fromkeys(_words("inputs input_shape"), "input"),
    **dict.fromkeys(_words("network net sequential"), "model"),
    **dict.fromkeys(_words("let const var"), "param"),
    **dict.fromkeys(_words("training fit solve"), "train"),
    **dict.fromkeys(_words("dataset"), "data"),
    **dict.fromkeys(_words("file table"), "csv"),
    **dict.fromkeys(_words("skip resnet"), "residual"),
    **dict.fromkeys(_words("include"), "import"),
    **dict.fromkeys(_words("plugin"), "use"),
    **dict.fromkeys(LOOPS, "repeat"),
    **dict.fromkeys(_words("objective minimise loss"), "minimize"),
    **dict.fromkeys(_words("optimiser solver"), "optimizer"),
    **dict.fromkeys(_words("valid val dev"), "validation"),
}

# How many outputs a layer has, as other tools name it.
SIZES = _words("units width size neurons nodes n out out_features features channels filters dim")

# Lines of other tools for `train`, with the whole line that says it here; {} is what they were given.
FOREIGN_TRAIN_LINES = {
    **dict.fromkeys(_words("lr learning_rate rate eta"), "optimizer adam(lr={})"),
    **dict.fromkeys(_words("loss objective"), "minimize mean({})"),
    **dict.fromkeys(_words("weight_decay l2 regularizer regularization penalty"), "minimize … + l2({})"),
    **dict.fromkeys(_words("sgd adam"), "optimizer {}"),
}
