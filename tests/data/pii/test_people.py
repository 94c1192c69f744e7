"""Names by the words around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from oreline.data.pii.people import names

announced = partial(names, titles=False)


@pytest.mark.parametrize(
    "text",
    [
        "联系人：⟦张三⟧，请知悉",
        "联系人⟦张三⟧电话如下",
        "本人⟦杨军静⟧郑重承诺",
        "姓名：⟦欧阳修⟧",
        "收件人：⟦阿凡提·买买提⟧。",
        "我叫⟦李雷⟧今年三岁",
        "我叫⟦程志玲⟧，想咨询",
        "联系人⟦何刚⟧电话如下",
        "投诉人：⟦武洋辰⟧。",
        "老人：高血压",
        "就写⟦段倩凤⟧收，",
        "麻烦转交⟦侯倩⟧老师",
        "收货人 ⟦常睿语⟧；",
        "我和张艺谋先生谈过",
        "联系人和电话",
        "我叫⟦于怡玲⟧，想",
        "您好，我是⟦李明⟧，想问，我是⟦何娟⟧。",
        "我是白羊座，我是高级会员，我是学生，我是白买了！",
        "联系人：见附件",
        "联系人只能修改姓名和电话",
        "本人高度近视",
        "我叫安装师傅来",
        "李先生打来电话",
        "同行人⟦苗红⟧，护照号码是G39599706",
    ],
)
def test_chinese_names(finds: Callable[..., bool], text: str) -> None:
    assert finds(announced, text)


@pytest.mark.parametrize(
    "text",
    [
        "My name is ⟦John Smith⟧.",
        "Dear ⟦John⟧,\nhi",
        "Hello Dr. ⟦Mary-Ann O'Connor⟧,\nhi",
        "Best regards,\n⟦Anna J. Lee⟧\nSales",
        "This is ⟦Kim Young⟧ speaking",
        "Contact person: ⟦James Moore⟧",
        "ok so cardholder: ⟦Léa St. Clair⟧ (as before)",
        "please ask for ⟦Hannah H. Lindqvist⟧, ok?",
        "I'm ⟦Svetlana Tanaka⟧.",
        "Customer: Passport #12",
        "I'm Not Sure. This is Great Value.",
        "It was designed by Vincent Korda",
        "Thanks\nUrgent! Now",
        "Dear Customer, thank you",
        "Name: unknown",
        "My name is ⟦John⟧'s",
        "The movie's name is Jaws, the file's too",
        "File name: Report",
        "I saw Mr. Bean and said hello Dolly",
        "Thanks\nfor nothing",
        "Surname and given names: ⟦Dave Wójcik⟧\nPassport no.: 1",
        "Beneficiary: ⟦Katya Ueda⟧\nBeneficiary: Deutsche Bank\nSender: Amazon",
        "Author: ⟦Qiang Kim⟧ <q@example.com>",
        "⟦Farah Kim⟧ <f@example.com> wrote: Customer Support <help@example.com>",
        "Waiver: guardian ⟦Imogen Chaudhry⟧, home address 12 Mill Road, cell 415 555 0100",
        "his brother Jack Smith, 1999, was better",
        "Your agent, ⟦Hiroshi Grünwald⟧, hung up on me",
        "Hi parents, this is ⟦Chidi Abernathy⟧, your new teacher",
        "Referred by Dr. ⟦Víctor Grünwald⟧, clinic line",
    ],
)
def test_english_names(finds: Callable[..., bool], text: str) -> None:
    assert finds(announced, text)


def test_long_words_take_no_time(finds: Callable[..., bool]) -> None:
    """A pattern that can cut a word in many ways would try them all, and never end."""
    assert finds(announced, f"Dear A{'a' * 5000}1, and Mc{'Donald-' * 2000}")


def test_titles_on_request(finds: Callable[..., bool]) -> None:
    assert finds(partial(names, titles=True), "⟦李⟧先生和⟦王芳⟧女士 met Mr. ⟦Bean⟧ and Dr. ⟦Jane Doe⟧.")
