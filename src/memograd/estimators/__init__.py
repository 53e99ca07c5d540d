"""Estimators with scikit-learn's contract."""

from memograd.estimators.classifier import MLPClassifier
from memograd.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
