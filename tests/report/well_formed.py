"""A reader of pages that notes what a browser would have to mend."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "hr", "input", "mspace"}


class Balance(HTMLParser):
    """Notes every tag that is closed in the wrong place, and every attribute."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.errors, self.tags, self.attributes, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID or tag == "mspace":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append((tag, self.getpos()))

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    parser = Balance()
    parser.feed(page)
    parser.close()
    return parser
