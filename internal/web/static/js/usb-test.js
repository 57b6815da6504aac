// Tries the bridge on the computer that the browser runs on, and names the step that fails. The
// sentences stand in the page, in its language; here they are only shown.
import { Bridge, Refusal, forgetPolicy } from "./usb-bridge.js";

const button = document.getElementById("usb-test");
const result = document.getElementById("usb-result");

const say = (word, text) => {
  for (const p of result.querySelectorAll("[data-say]")) {
    p.hidden = p.dataset.say !== word;
    const slot = p.querySelector("[data-count]");
    if (slot) slot.textContent = text || "";
  }
  result.dataset.outcome = word;
};

const test = async () => {
  button.disabled = true;
  forgetPolicy();
  say("trying");
  const bridge = new Bridge(button.dataset.bridge, true, "main");
  try {
    await bridge.greet();
    const list = await bridge.call("enumerate", {});
    if (!Array.isArray(list)) say("strange", "");
    else if (list.length === 0) say("none");
    else say("ok", list.map((d) => String(d.model || d.type)).join(", "));
  } catch (e) {
    const word = e instanceof Refusal ? e.word : "strange";
    say(result.querySelector(`[data-say="${word}"]`) ? word : "strange", e.message);
  } finally {
    button.disabled = false;
  }
};

if (button && result) {
  button.hidden = false;
  button.addEventListener("click", test);
}
