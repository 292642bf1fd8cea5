"""For people: one page that says what was found and whether it can be trusted."""

from ._document import render_report as render_report
from ._messages import MessagesReport as MessagesReport, render_messages as render_messages
from ._record import MessageSamples as MessageSamples, Report as Report, TrainingStage as TrainingStage
from ._regression import RegressionReport as RegressionReport, render_regression as render_regression
