"use strict";
// Finds QR codes in pictures, beside the page: with compiled code where the browser allows it, with
// plain script where it does not. It knows nothing but the pictures that it is given.
let read = null;

const bytesOf = (bytes) => {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    let s = "";
    for (const b of bytes) s += String.fromCharCode(b);
    return { bytes: btoa(s) };
  }
};

const withZXing = async (files) => {
  importScripts(files.zxing);
  await ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => files.wasm }, fireImmediately: true });
  const options = { formats: ["QRCode"], maxNumberOfSymbols: 4, tryHarder: true, textMode: "Plain" };
  return async (image, patient) => {
    const found = await ZXingWASM.readBarcodes(image, { ...options, tryDenoise: patient });
    return found.filter((r) => r.isValid).map((r) => bytesOf(r.bytes));
  };
};

const withScript = (files) => {
  importScripts(files.jsqr);
  return (image) => {
    const found = jsQR(image.data, image.width, image.height, { inversionAttempts: "attemptBoth" });
    return found ? [bytesOf(Uint8Array.from(found.binaryData))] : [];
  };
};

onmessage = async ({ data }) => {
  if (data.files) {
    let how = "zxing";
    try {
      if (data.files.plain) throw new Error("asked for");
      read = await withZXing(data.files);
    } catch {
      how = "jsqr";
      read = withScript(data.files);
    }
    postMessage({ ready: how });
    return;
  }
  let codes = [];
  try {
    codes = await read(data.image, data.patient);
  } catch { /* a picture that breaks the reader holds no code */ }
  postMessage({ id: data.id, codes });
};
