// Runs a verilated multiplier core on pairs of operands: reads them from one file, 32-bit little-endian words a, b, a, b, ..., and writes
// the products to another, 64 bits each.
//
// Usage: simulator <pairs> <products>
#include "harness.h"

int main(int argc, char** argv) {
  if (argc != 3) fail("two files are needed");
  const std::vector<uint8_t> bytes = readFile(argv[1]);
  if (bytes.size() % 8 != 0) fail("the file of pairs has the wrong length");
  FILE* out = std::fopen(argv[2], "wb");
  if (out == nullptr) fail("the file of products cannot be written");
  Vdesign top;
  for (size_t pair = 0; pair < bytes.size() / 8; pair++) {
    top.a = wordAt(bytes, 2 * pair);
    top.b = wordAt(bytes, 2 * pair + 1);
    top.eval();
    const uint64_t product = top.p;
    if (std::fwrite(&product, sizeof product, 1, out) != 1) fail("the file of products cannot be written");
  }
  if (std::fclose(out) != 0) fail("the file of products cannot be written");
  return 0;
}
