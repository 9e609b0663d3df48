// [data-editor]: a textarea for YAML with line numbers. Tab indents; Esc, then Tab, leaves. [data-line] links jump to a line; data-bad="3 14" marks lines.
const started = new WeakSet();

function number(textarea, gutter) {
  const count = textarea.value.split("\n").length;
  const bad = new Set((textarea.dataset.bad ?? "").split(" "));
  gutter.replaceChildren(...Array.from({length: count}, (_, index) => {
    const line = document.createElement("span");
    line.textContent = `${index + 1}\n`;
    if (bad.has(String(index + 1))) line.className = "bad";
    return line;
  }));
  textarea.rows = count + 1;
}

function indent(textarea) {
  const {selectionStart, selectionEnd} = textarea;
  textarea.setRangeText("  ", selectionStart, selectionEnd, "end");
  textarea.dispatchEvent(new Event("input", {bubbles: true}));
}

function jump(textarea, line) {
  const lines = textarea.value.split("\n");
  const from = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0);
  textarea.focus();
  textarea.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  textarea.closest("[data-editor]").scrollTop = (line - 3) * 20;
}

function begin(editor) {
  const textarea = editor.querySelector("textarea");
  const gutter = document.createElement("pre");
  let leaving = false;
  gutter.setAttribute("aria-hidden", "true");
  editor.prepend(gutter);
  textarea.addEventListener("input", () => number(textarea, gutter));
  textarea.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leaving = true;
    else if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      indent(textarea);
    } else if (event.key !== "Shift") leaving = false;
  });
  number(textarea, gutter);
}

export function start(root) {
  for (const editor of root.querySelectorAll("[data-editor]")) {
    if (started.has(editor)) continue;
    started.add(editor);
    begin(editor);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  jump(document.querySelector(link.dataset.editorTarget ?? "[data-editor] textarea"), Number(link.dataset.line));
});
