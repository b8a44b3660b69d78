# What public classes of skregopt inherit or mention. pyright's --verifytypes looks into no package without types, and
# scikit-learn has none. The stubs are not part of skregopt, and its users have no need of them.
