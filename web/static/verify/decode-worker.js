// Reads QR codes in a picture, away from the page: ZXing-C++ as WebAssembly, from this site's own files.

importScripts("zxing-reader.js");

ZXingWASM.prepareZXingModule({ overrides: { locateFile: (name) => new URL(name, self.location.href).href } });

const OPTIONS = { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 4, textMode: "Plain" };

self.onmessage = async ({ data: { id, image } }) => {
  try {
    const found = await ZXingWASM.readBarcodes(image, OPTIONS);
    self.postMessage({ id, texts: found.filter((one) => one.isValid).map((one) => one.text) });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
