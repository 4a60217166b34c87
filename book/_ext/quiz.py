"""The `{quiz}` directive: a question that answers at once in the page.

The argument is the question. The content may open with any markup; then come the options, one right:

    - [ ] 4 × 4 -- That rounds up.
    - [x] 3 × 3 -- Right: the division is floored.

Without JavaScript the reader finds the answer and every reason under "Show the answer"; `site.js` does the
rest.
"""

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OPTION = re.compile(r"^[-*] \[(?P<mark>[ xX])\]\s+(?P<rest>.+)$")


class Quiz(nodes.Element):
    """A whole question; `number` counts the quizzes of a page from 1."""


class Question(nodes.TextElement):
    """What is asked."""


class Option(nodes.Element):
    """One answer: an OptionText and a Reason; `right` says whether it is the right one."""


class OptionText(nodes.TextElement):
    """The words of an answer."""


class Reason(nodes.TextElement):
    """Why an answer is right or wrong."""


def split_options(lines: list[str]) -> tuple[list[str], list[tuple[bool, str, str]]]:
    """The lines before the options, and each option as (right, text, reason).

    Raises ValueError with the rule broken.

    >>> split_options(["- [ ] 4 -- Too large.", "- [x] 3 -- Floored,", "  as always."])
    ([], [(False, '4', 'Too large.'), (True, '3', 'Floored, as always.')])
    """
    before: list[str] = []
    options: list[tuple[bool, str]] = []
    for line in lines:
        match = OPTION.match(line)
        if match:
            options.append((match["mark"] != " ", match["rest"].strip()))
        elif options and line.strip():
            right, text = options.pop()
            options.append((right, f"{text} {line.strip()}"))
        elif not options:
            before.append(line)
    if len(options) < 2:
        raise ValueError("a quiz needs at least two options, each on a line '- [ ] answer -- reason'")
    if sum(right for right, _ in options) != 1:
        raise ValueError("exactly one option of a quiz is right: mark it with '- [x]'")
    parts = []
    for right, text in options:
        answer, dashes, reason = text.partition(" -- ")
        if not dashes or not reason.strip():
            raise ValueError(f"the option {text!r} lacks its reason: write '- [ ] answer -- reason'")
        parts.append((right, answer.strip(), reason.strip()))
    return before, parts


class QuizDirective(SphinxDirective):
    """```` ```{quiz} Question? ````"""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Read the question and its options."""
        try:
            before, options = split_options(list(self.content))
        except ValueError as error:
            raise self.error(str(error)) from None
        number = self.env.temp_data["quiz"] = self.env.temp_data.get("quiz", 0) + 1
        quiz = Quiz(number=number)
        self.set_source_info(quiz)
        quiz += self._inline(Question(), self.arguments[0])
        if any(line.strip() for line in before):
            body = nodes.container(classes=["quiz-body"])
            self.state.nested_parse(self.content[: len(before)], self.content_offset, body)
            quiz += body
        for right, text, reason in options:
            option = Option(right=right)
            option += self._inline(OptionText(), text)
            option += self._inline(Reason(), reason)
            quiz += option
        return [quiz]

    def _inline(self, node: nodes.TextElement, text: str) -> nodes.TextElement:
        children, messages = self.state.inline_text(text, self.lineno)
        node.extend(children)
        node.extend(messages)
        return node


def visit_quiz(translator, quiz: Quiz) -> None:
    """The options as radio inputs, then the reasons in a closed box."""
    number = quiz["number"]
    question, *rest = quiz.children
    put = translator.body.append
    put(
        f'<div class="quiz" id="quiz-{number}"><fieldset>'
        f'<legend><span class="quiz-label">Question {number}</span> '
    )
    _walk(translator, question)
    put("</legend>")
    for body in (node for node in rest if not isinstance(node, Option)):
        body.walkabout(translator)
    options = [node for node in rest if isinstance(node, Option)]
    for index, option in enumerate(options):
        right = ' data-right=""' if option["right"] else ""
        put(f'<label class="option"><input type="radio" name="quiz-{number}" value="{index}"{right}> <span>')
        _walk(translator, option.children[0])
        put("</span></label>")
    put(
        '</fieldset><p class="quiz-hint">Arrow keys choose, Enter answers.</p>'
        '<div class="quiz-answer" role="status"></div>'
    )
    put('<details class="quiz-reasons"><summary>Show the answer</summary><ul>')
    for option in options:
        mark = "right" if option["right"] else "wrong"
        put(f'<li class="{mark}"><strong>')
        _walk(translator, option.children[0])
        put(f'</strong> <span class="visually-hidden">({escape(mark)})</span> <span class="reason">')
        _walk(translator, option.children[1])
        put("</span></li>")
    put("</ul></details></div>\n")
    raise nodes.SkipNode


def _walk(translator, node: nodes.Element) -> None:
    for child in node.children:
        child.walkabout(translator)


def setup(app: Sphinx) -> dict:
    """Register the directive; its parts are drawn by the quiz as a whole."""
    app.add_directive("quiz", QuizDirective)
    app.add_node(Quiz, html=(visit_quiz, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
