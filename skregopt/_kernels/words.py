"""Words of other libraries for parameters, arguments of ``fit`` and values; errors and migration guides read them."""

# parameter -> its names elsewhere
PARAMETERS = {
    "activation": "act, activation_fn, activation_function, activations, hidden_activation, nonlinearity",
    "alpha": "kernel_regularizer, l2, l2_reg, lambda_, reg_lambda, regularization",
    "batch_norm": "batch_normalization, batchnorm, use_batch_norm, use_bn",
    "batch_size": "batchsize, mini_batch_size, minibatch_size",
    "beta_1": "beta1, betas",
    "beta_2": "beta2",
    "class_weight": "class_weights, scale_pos_weight",
    "clip_norm": "clipnorm, global_clipnorm, grad_clip, gradient_clip_val, max_grad_norm",
    "dropout": "drop_out, drop_rate, dropout_p, dropout_prob, dropout_rate, p_drop, p_dropout",
    "dropout_schedule": "dropout_scheduler, p_drop_sched",
    "early_stopping": "early_stop",
    "ema_decay": "ema, ema_momentum, use_ema",
    "epsilon": "eps",
    "feature_embedding": "embedding, embeddings, num_emb_type, num_embedding, num_embeddings, numerical_embedding",
    "hidden_layer_sizes": "hidden_dim, hidden_dims, hidden_layers, hidden_sizes, hidden_units, layer_sizes, layers, "
    "n_hidden, n_units, num_units, units, width",
    "input_dropout": "dropout_in, input_drop",
    "label_smoothing": "label_smooth, ls_eps, smoothing",
    "layer_norm": "layer_normalization, layernorm",
    "learning_rate": "lr_sched, lr_schedule, lr_scheduler, schedule, scheduler",
    "learning_rate_factors": "lr_factors, lr_multipliers, param_groups",
    "learning_rate_init": "base_lr, eta, eta0, initial_lr, lr, lr_init, max_lr, step_size",
    "loss": "criterion, loss_fn, loss_function, objective",
    "max_iter": "T_max, epoch, epochs, max_epoch, max_epochs, n_epoch, n_epochs, n_iter, nb_epoch, num_epochs",
    "max_norm": "kernel_constraint, maxnorm",
    "max_time": "max_runtime_secs, time_budget, time_limit, time_to_fit_in_seconds, timeout, train_time_limit",
    "n_hidden_layers": "depth, n_layers, num_hidden_layers, num_layers",
    "n_iter_no_change": "early_stopping_patience, early_stopping_rounds, es_patience, patience",
    "n_jobs": "n_threads, nthread, num_threads, num_workers, thread_count, workers",
    "nesterovs_momentum": "nesterov, use_nesterov",
    "parametrization": "parameterization, parametrisation",
    "penalty": "regularizer",
    "random_state": "random_seed, rng, seed",
    "scoring": "eval_metric, metric, metrics, monitor",
    "solver": "algorithm, optim, optimiser, optimizer",
    "tol": "min_delta, threshold, tolerance",
    "validation_fraction": "val_fraction, val_split, validation_size, validation_split",
    "verbose": "silent, verbosity",
    "weight_decay": "wd",
    "weight_decay_schedule": "wd_sched, wd_schedule, wd_scheduler, weight_decay_scheduler",
    "weight_init": "init, initializer, kernel_initializer",
    "dtype": "precision",
}
# parameter of the estimators for tables -> its names elsewhere
OF_TABLES = {
    "categorical_features": "cat_cols, cat_features, cat_idxs, categorical_columns, categorical_feature",
    "n_bins": "border_count, max_bin, max_bins, num_bins",
    "n_estimators": "ensemble_size, n_cv, n_ens, n_ensemble, n_members, n_models, n_nets, n_networks, num_models",
}
# parameters of the estimators that have one name everywhere, or none
WITHOUT_OTHER_NAMES = (
    "l1_ratio", "max_fun", "momentum", "power_t", "shuffle", "warm_start",
)  # fmt: skip
# parameter of components, besides those above -> its names elsewhere
OF_COMPONENTS = {
    "approximate": "approx, approximation",
    "columns": "cols, features",
    "cooldown": "cool_down",
    "delta": "beta, epsilon",
    "factor": "decay_factor, gamma",
    "frequency_scale": "frequency_init_scale, init_scale, plr_sigma, scale, sigma",
    "floor": "eta_min, final_lr, min_lr",
    "gamma": "decay_rate, drop, factor",
    "match_rms_adamw": "adjust_lr_fn",
    "n_bins": "bins, num_bins",
    "n_epochs": "total_iters, warmup, warmup_epochs, warmup_steps",
    "n_frequencies": "n_freqs, num_frequencies, plr_hidden_1",
    "n_outputs": "d_embedding, d_emb, embedding_dim, emb_dim, out_dim, plr_hidden_2",
    "n_steps": "ns_steps",
    "negative_scale": "alpha",
    "negative_slope": "alpha, slope",
    "nesterovs_momentum": "nesterov",
    "patience": "n_iter_no_change",
    "pct_start": "warmup_fraction",
    "quantile": "alpha, q, tau",
    "restart_every": "T_0, first_decay_steps",
    "restart_factor": "T_mult, t_mul",
    "rho": "alpha, decay",
    "start_factor": "warmup_start",
    "step_size": "decay_steps, period",
}
# argument(s) of fit -> their names elsewhere
ARGUMENTS = {
    "X_val and y_val": "eval_set, valid_sets, validation_data, validation_set, X_valid, y_valid, X_validation, "
    "y_validation, X_test, y_test",
    "sample_weight": "sample_weights, weight, weights, w",
    "sample_weight_val": "eval_sample_weight, sample_weight_eval_set, sample_weight_validation",
    "coef_init": "coefs_init, init_coef",
    "intercept_init": "intercepts_init, init_intercept",
}
_DECAY = "learning_rate, the name of a schedule, such as 'exponential'"
_OUTPUT = "loss, which decides the activation of the output"
# name elsewhere -> what to do here
OTHERWISE = {
    "callbacks": "set_callbacks(...), with scikit-learn 1.9 or later",
    "decay": _DECAY,
    "learning_rate_decay": _DECAY,
    "lr_decay": _DECAY,
    "final_activation": _OUTPUT,
    "out_activation": _OUTPUT,
    "output_activation": _OUTPUT,
    "gradient_clip_value": "clip_norm, which bounds the norm of the whole gradient",
    "device": "n_jobs: training runs on the CPU",
    "l1": "penalty='l1' and alpha",
    "l1_reg": "penalty='l1' and alpha",
    "reg_alpha": "penalty='l1' and alpha",
    "restore_best_weights": "early_stopping=True, which always restores them",
    "train_split": "validation_fraction, or X_val and y_val of fit",
}
# parameter -> value -> its names elsewhere
VALUES = {
    "activation": {
        "logistic": "sigmoid, expit",
        "silu": "swish",
        "identity": "linear, none",
        "leaky_relu": "lrelu",
    },
    "class_weight": {"balanced": "auto, balance, balanced_subsample"},
    "feature_embedding": {
        "periodic": "fourier, pbld, pblrd, pl, plr, plr_lite, PeriodicEmbeddings",
        "piecewise_linear": "ple, pwl, PiecewiseLinearEmbeddings, PiecewiseLinearEncoding",
    },
    "dtype": {"float32": "16, 32, bfloat16, f4, float, float16, half, single", "float64": "64, double, f8"},
    "learning_rate": {
        "constant": "fixed, none",
        "coslog": "coslog4, cos_log",
        "cosine": "cosine_annealing, CosineAnnealingLR, CosineDecay, cos",
        "exponential": "exp, ExponentialDecay, ExponentialLR",
        "flat_cosine": "flat_cos, flat_and_cosine",
        "invscaling": "inverse, inverse_scaling, InverseTimeDecay",
        "one_cycle": "1cycle, OneCycleLR",
        "plateau": "ReduceLROnPlateau",
        "step": "StepLR, piecewise",
    },
    "learning_rate_factors": {
        "coefs": "coef, coefs_, kernel, kernels, weight, weights",
        "intercepts": "b, bias, biases, intercept, intercepts_",
        "norm": "batch_norm, layer_norm, normalisation, normalization",
        "embedding": "embeddings, feature_embedding",
        "activation": "activations",
    },
    "loss": {
        "absolute_error": "mae, L1, L1Loss, mean_absolute_error",
        "focal": "focal_loss, FocalLoss, BinaryFocalCrossentropy, CategoricalFocalCrossentropy",
        "gamma": "gamma_deviance, reg:gamma",
        "huber": "huber_loss, HuberLoss, smooth_l1, SmoothL1Loss",
        "log_loss": "bce, BCELoss, BCEWithLogitsLoss, binary_crossentropy, categorical_crossentropy, cross_entropy, "
        "CrossEntropyLoss, deviance, log, nll, NLLLoss, sparse_categorical_crossentropy, binary:logistic, "
        "binary:logitraw, multi:softmax, multi:softprob, binary, multiclass",
        "poisson": "poisson_nll_loss, PoissonNLLLoss, poisson_deviance, count:poisson",
        "quantile": "pinball, pinball_loss, quantile_loss",
        "squared_error": "mse, l2, least_squares, mean_squared_error, MSELoss, squared_loss, reg:squarederror",
    },
    "penalty": {
        "elasticnet": "elastic_net, enet, l1_l2, L1L2",
        "group_l1": "group_lasso, lassonet",
        "l1": "lasso",
        "l2": "ridge, weight_decay",
    },
    "scoring": {
        "accuracy": "acc, accuracy_score, val_acc, val_accuracy",
        "average_precision": "average_precision_score, auprc, pr_auc",
        "f1": "f1_score",
        "neg_log_loss": "binary_logloss, logloss, log_loss, mlogloss, multi_logloss, cross_entropy",
        "neg_mean_absolute_error": "mae, mean_absolute_error",
        "neg_mean_squared_error": "mse, mean_squared_error",
        "neg_root_mean_squared_error": "rmse, root_mean_squared_error",
        "r2": "r2_score",
        "roc_auc": "auc, auroc, roc_auc_score",
        "loss": "val_loss, validation_loss",
    },
    "solver": {
        "adamw": "adamw_hf, adamw_torch, adamw_torch_fused",
        "gd": "batch_gradient_descent, bgd, gradient_descent, full_batch",
        "lbfgs": "bfgs, L-BFGS-B",
        "minibatch": "momentum, nag, nesterov, mini_batch_sgd, SGDW",
    },
    "parametrization": {"ntp": "neural_tangent, ntk", "standard": "none, sp"},
    "weight_init": {
        "glorot_normal": "xavier_normal",
        "glorot_uniform": "glorot, xavier, xavier_uniform",
        "he_normal": "kaiming_normal",
        "he_uniform": "he, kaiming, kaiming_uniform",
        "lecun_normal": "lecun",
    },
}
# parameter -> an instance, where no name stands for it, as it is written -> its names elsewhere
INSTANCES = {
    "activation": {
        "skregopt.activations.Trainable('relu')": "prelu, PReLU, parametric_relu",
        "skregopt.activations.Trainable()": "trainable, parametric, parametric_activation",
    },
    "learning_rate": {
        "skregopt.schedules.Warmup('cosine')": "warmup, cosine_with_warmup, linear_warmup, warmup_cosine, LinearLR"
    },
    "weight_init": {"skregopt.initializers.ZeroOutput()": "zero_output, zero_init_output, zero_last, zero_head"},
}
