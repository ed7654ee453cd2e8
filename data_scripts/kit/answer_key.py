"""The answer key: check-in answers, solutions and quiz answers of all chapters on one page, for instructors."""

from __future__ import annotations

import html
import re

from data_scripts.course import QUESTION, build, chapters
from data_scripts.kit.pages import to_html
from data_scripts.kit.timetables import check_ins

_ANSWER = re.compile(r"<details>\s*<summary>Answer</summary>(.*?)</details>", re.DOTALL)


def answer_key() -> str:
    """HTML of the page's body."""
    links = "".join(f'<li><a href="#{name}">{name}</a></li>' for name in chapters())
    about = "For instructors. Students' notebooks hold neither the solutions nor the answers of the check-in."
    return f"<h1>Answer key</h1><p>{about}</p><ul>{links}</ul>" + "\n".join(chapter_key(name) for name in chapters())


def chapter_key(name: str) -> str:
    """HTML of one chapter: check-in, exercises with their solutions, quiz with its answers."""
    source, asked = build.read_source(name), check_ins()[name]
    parts = [f'<h2 id="{name}">{name}</h2>', "<h3>Check-in</h3>", to_html(asked["question"])]
    parts.append(_framed(f"*Uncovers:* {asked['misconception']}\n\n{asked['answer']}"))
    for cell in build.with_solutions(source).cells:
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            parts.append(to_html(cell.source.replace("### ", "### Exercise ", 1)))
        else:
            parts.append(f"<pre><code>{html.escape(cell.source)}</code></pre>")
    parts.append("<h3>Quiz</h3>")
    for cell in source.cells:
        if cell.cell_type == "markdown" and QUESTION.match(cell.source):
            question, answer = _ANSWER.sub("", cell.source), _ANSWER.search(cell.source)
            parts += [to_html(question), _framed(answer[1] if answer else "")]
    return "\n".join(parts)


def _framed(markdown: str) -> str:
    return f'<div class="answer">{to_html(markdown)}</div>'
