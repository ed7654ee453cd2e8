// A button that records, for a notebook's cell. What it gives is 16 kHz mono, 16 bit, as a wav file.
const RATE = 16000;

function wav(sound) {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, k) => sound.getChannelData(k));
  const view = new DataView(new ArrayBuffer(44 + 2 * sound.length));
  const text = (at, word) => [...word].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * sound.length, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true); view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * sound.length, true);
  for (let n = 0; n < sound.length; n += 1) {
    const mean = channels.reduce((sum, channel) => sum + channel[n], 0) / channels.length;
    view.setInt16(44 + 2 * n, 32767 * Math.max(-1, Math.min(1, mean)), true);
  }
  return view;
}

function render({ model, el }) {
  const button = document.createElement("button");
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  told.style.marginLeft = "0.6rem";
  button.className = "jupyter-button sc-record";
  button.textContent = "Record";
  el.append(button, told);
  let recorder = null;

  async function hear(parts) {
    const context = new AudioContext({ sampleRate: RATE });
    try {
      const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
      model.set("wav", wav(sound));
      model.save_changes();
      told.textContent = `${sound.duration.toFixed(1)} s recorded`;
    } catch (error) {
      told.textContent = `Nothing could be recorded (${error.message}); upload a file instead.`;
    } finally {
      await context.close();
    }
  }

  button.onclick = async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    let stream;
    try {
      if (!navigator.mediaDevices) throw new Error("pages get one over https or from their own machine only");
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      told.textContent = `No microphone here (${error.message}); upload a file instead.`;
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    const limit = setTimeout(() => recorder && recorder.stop(), 1000 * model.get("seconds"));
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      clearTimeout(limit);
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      button.textContent = "Record";
      hear(parts);
    };
    recorder.start();
    button.textContent = "Stop";
    told.textContent = "recording …";
  };
}

export default { render };
