// A player in a notebook's cell. Its sound comes as a message and is no state of the widget, so that it is not saved.
function render({ model, el }) {
  const show = (message) => { el.innerHTML = message.html; };
  model.on("msg:custom", show);
  model.send("show");
  return () => model.off("msg:custom", show);
}

export default { render };
