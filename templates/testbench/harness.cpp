// Runs a verilated accelerator with the native interface from a stimulus file (testbench/stimulus.ts) by the rules of
// testbench/host.ts; what a frame means stands in testbench/frame.ts.
#include "harness.h"

namespace {

constexpr uint32_t kStimulusMagic = 0x4d535458;
constexpr uint32_t kStimulusVersion = 2;
constexpr uint32_t kAhead = 0x80000000;
constexpr size_t kHeaderWords = 8;

struct Stimulus {
  std::vector<uint8_t> bytes;
  uint32_t images = 0, elements = 0, patterns = 0, period = 0, patience = 0;

  uint32_t word(size_t index) const { return wordAt(bytes, index); }
  const uint8_t* codes(uint32_t image) const { return &bytes[4 * (kHeaderWords + images) + size_t(image) * elements]; }
  uint32_t patternIndex(uint32_t image) const { return word(kHeaderWords + image) & ~kAhead; }
  bool ahead(uint32_t image) const { return word(kHeaderWords + image) & kAhead; }
  const uint8_t* pattern(uint32_t image, bool outReady) const {
    return &bytes[4 * (kHeaderWords + images) + size_t(images) * elements + (2 * size_t(patternIndex(image)) + outReady) * period];
  }
};

Stimulus readStimulus(const char* path) {
  Stimulus s;
  s.bytes = readFile(path);
  if (s.bytes.size() < 4 * kHeaderWords || s.word(0) != kStimulusMagic) fail("the stimulus file is not one");
  if (s.word(1) != kStimulusVersion) fail("the stimulus file has another version");
  s.images = s.word(3);
  s.elements = s.word(4);
  s.patterns = s.word(5);
  s.period = s.word(6);
  s.patience = s.word(7);
  const uint64_t expected = 4 * (kHeaderWords + uint64_t(s.images)) + uint64_t(s.images) * s.elements + 2 * uint64_t(s.patterns) * s.period;
  if (s.word(2) != s.bytes.size() || expected != s.bytes.size() || s.period == 0) fail("the stimulus file has the wrong length");
  for (uint32_t i = 0; i < s.images; i++)
    if (s.patternIndex(i) >= s.patterns) fail("the stimulus file names a pattern that it has not");
  return s;
}

uint32_t portWord(const Vdesign& top) {
  uint32_t word = top.busy | top.done << 1 | top.in_ready << 2 | top.out_valid << 3 | top.start << 5 | top.in_valid << 6 | top.out_ready << 7;
  if (top.out_valid) word |= top.out_last << 4 | top.out_data << 8;
  return word | static_cast<uint32_t>(top.in_data) << 16;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: simulator <top module> <stimulus file> <probe file>");
  const Stimulus stimulus = readStimulus(argv[2]);
  VerilatedContext context;
  Vdesign top{&context, "TOP"};
  const std::vector<Probe> probes = findProbes(context, argv[1], argv[3]);
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 20);

  std::vector<uint32_t> frame(2 + probes.size());
  put({kStreamMagic, kStreamVersion, static_cast<uint32_t>(frame.size()), stimulus.images});

  top.rst_n = 0;
  top.start = top.in_valid = top.in_data = top.out_ready = 0;
  for (int edge = 0; edge < 3; edge++) {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
  }
  top.rst_n = 1;

  uint32_t total = 0;
  bool gaveUp = false;
  uint32_t sending = 0, sent = 0;  // the image being sent, and how many of its elements were taken
  bool offered = false;
  for (uint32_t image = 0; image < stimulus.images && !gaveUp; image++) {
    const uint8_t* outReady = stimulus.pattern(image, true);
    const uint8_t* steady = stimulus.pattern(image, false);
    uint32_t quiet = 0;
    for (uint32_t cycle = 0, done = 0; !done; cycle++) {
      if (sending < stimulus.images && (sending <= image || (sending == image + 1 && stimulus.ahead(sending))))
        offered = offered || stimulus.pattern(sending, false)[cycle % stimulus.period];
      top.clk = 0;
      top.start = cycle == 0 || (top.busy && !steady[cycle % stimulus.period]);
      top.in_valid = offered;
      top.in_data = offered ? stimulus.codes(sending)[sent] : 0;
      top.out_ready = outReady[cycle % stimulus.period];
      top.eval();
      done = top.done;
      const bool taken = top.in_valid && top.in_ready;
      quiet = taken || (top.out_valid && top.out_ready) ? 0 : quiet + 1;
      gaveUp = quiet > stimulus.patience;
      frame[0] = total++;
      frame[1] = portWord(top) | (gaveUp ? 1u << 31 : 0);
      for (size_t i = 0; i < probes.size(); i++) frame[2 + i] = read(probes[i]);
      put(frame);
      if (gaveUp) break;
      top.clk = 1;
      top.eval();
      if (taken) {
        offered = false;
        if (++sent == stimulus.elements) {
          sending++;
          sent = 0;
        }
      }
    }
  }
  finish(total);
  top.final();
  return 0;
}
