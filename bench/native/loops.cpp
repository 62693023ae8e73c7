// The loops that the kernels are compared with: a convolution as columns (im2col), then products of int8 codes, by a table
// in memory and exactly. A server: one command a line on stdin, one answer a line on stdout.
//   problem NAME IMAGES CHANNELS HEIGHT WIDTH FILTERS KERNEL STRIDE PADDING DIRECTORY
//       reads activations.bin [image][channel][y][x] int8, weights.bin [filter][channel][ky][kx] int8 and
//       table.bin [weight code][activation code] int16 there; answers "ready"
//   run LOOP NAME THREADS REPEATS   answers the seconds that the repeats took: of the clock, and of all processors
//   sums NAME FILE                  writes the last run's sums [image][filter][y][x] int32; answers "written"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>
#include <omp.h>

namespace {

struct Problem {
  int images, channels, height, width, filters, kernel, stride, padding;
  std::vector<int8_t> activations, weights;
  std::vector<int16_t> table;
  std::vector<int32_t> sums;
  int rows() const { return (height + 2 * padding - kernel) / stride + 1; }
  int columns() const { return (width + 2 * padding - kernel) / stride + 1; }
  int positions() const { return rows() * columns(); }
  int taps() const { return channels * kernel * kernel; }
};

// One image with its padding: padded[channel][y][x].
void pad(const Problem &p, const int8_t *image, int8_t *padded) {
  const int width = p.width + 2 * p.padding, height = p.height + 2 * p.padding;
  std::memset(padded, 0, size_t(p.channels) * height * width);
  for (int c = 0; c < p.channels; c++) {
    for (int y = 0; y < p.height; y++) {
      int8_t *line = padded + (c * height + y + p.padding) * width + p.padding;
      std::memcpy(line, image + (c * p.height + y) * p.width, size_t(p.width));
    }
  }
}

// The windows of one image: unfolded[position][tap]. Where the size of the kernel is known, a line of it is copied at once.
template <int size> void unfold(const Problem &p, const int8_t *padded, int8_t *unfolded) {
  const int rows = p.rows(), columns = p.columns(), kernel = size > 0 ? size : p.kernel;
  const int width = p.width + 2 * p.padding, height = p.height + 2 * p.padding;
  for (int y = 0; y < rows; y++) {
    for (int x = 0; x < columns; x++) {
      const int8_t *window = padded + y * p.stride * width + x * p.stride;
      for (int c = 0; c < p.channels; c++, window += height * width) {
        for (int ky = 0; ky < kernel; ky++, unfolded += kernel) std::memcpy(unfolded, window + ky * width, size_t(kernel));
      }
    }
  }
}

// The loop of simulators with a table: eight sums side by side, rows of both operands in a line.
void tableProducts(const Problem &p, const int8_t *unfolded, int32_t *sums) {
  const int16_t(*table)[256] = reinterpret_cast<const int16_t(*)[256]>(p.table.data());
  const int taps = p.taps(), positions = p.positions(), whole = taps / 8 * 8;
  for (int n = 0; n < p.filters; n++) {
    const int8_t *w = p.weights.data() + n * taps;
    for (int j = 0; j < positions; j++) {
      const int8_t *a = unfolded + j * taps;
      alignas(32) int32_t part[8] = {0};
      for (int k = 0; k < whole; k += 8) {
        part[0] += table[(uint8_t)w[k]][(uint8_t)a[k]];
        part[1] += table[(uint8_t)w[k + 1]][(uint8_t)a[k + 1]];
        part[2] += table[(uint8_t)w[k + 2]][(uint8_t)a[k + 2]];
        part[3] += table[(uint8_t)w[k + 3]][(uint8_t)a[k + 3]];
        part[4] += table[(uint8_t)w[k + 4]][(uint8_t)a[k + 4]];
        part[5] += table[(uint8_t)w[k + 5]][(uint8_t)a[k + 5]];
        part[6] += table[(uint8_t)w[k + 6]][(uint8_t)a[k + 6]];
        part[7] += table[(uint8_t)w[k + 7]][(uint8_t)a[k + 7]];
      }
      int32_t sum = part[0] + part[1] + part[2] + part[3] + part[4] + part[5] + part[6] + part[7];
      for (int k = whole; k < taps; k++) sum += table[(uint8_t)w[k]][(uint8_t)a[k]];
      sums[n * positions + j] = sum;
    }
  }
}

// Left to the compiler's vectoriser.
void exactProducts(const Problem &p, const int8_t *unfolded, int32_t *sums) {
  const int taps = p.taps(), positions = p.positions();
  for (int n = 0; n < p.filters; n++) {
    const int8_t *w = p.weights.data() + n * taps;
    for (int j = 0; j < positions; j++) {
      const int8_t *a = unfolded + j * taps;
      int32_t sum = 0;
      for (int k = 0; k < taps; k++) sum += int32_t(w[k]) * int32_t(a[k]);
      sums[n * positions + j] = sum;
    }
  }
}

using Products = void (*)(const Problem &, const int8_t *, int32_t *);

void convolve(Problem &p, Products products, int threads) {
  const size_t input = size_t(p.channels) * p.height * p.width;
  const size_t output = size_t(p.filters) * p.positions();
#pragma omp parallel num_threads(threads)
  {
    std::vector<int8_t> unfolded(size_t(p.taps()) * p.positions());
    std::vector<int8_t> padded(size_t(p.channels) * (p.height + 2 * p.padding) * (p.width + 2 * p.padding));
#pragma omp for schedule(static)
    for (int i = 0; i < p.images; i++) {
      pad(p, p.activations.data() + i * input, padded.data());
      if (p.kernel == 3) unfold<3>(p, padded.data(), unfolded.data());
      else unfold<0>(p, padded.data(), unfolded.data());
      products(p, unfolded.data(), p.sums.data() + i * output);
    }
  }
}

template <typename T> std::vector<T> read(const std::string &path, size_t count) {
  std::vector<T> values(count);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char *>(values.data()), std::streamsize(count * sizeof(T)));
  if (!file || file.peek() != EOF) {
    std::cerr << path << " has not " << count << " values" << std::endl;
    std::exit(1);
  }
  return values;
}

double seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

std::map<std::string, Problem> problems;

std::string load(std::istringstream &words) {
  std::string name, directory;
  Problem p;
  words >> name >> p.images >> p.channels >> p.height >> p.width >> p.filters >> p.kernel >> p.stride >> p.padding;
  std::getline(words >> std::ws, directory);
  p.activations = read<int8_t>(directory + "/activations.bin", size_t(p.images) * p.channels * p.height * p.width);
  p.weights = read<int8_t>(directory + "/weights.bin", size_t(p.filters) * p.taps());
  p.table = read<int16_t>(directory + "/table.bin", 65536);
  p.sums.assign(size_t(p.images) * p.filters * p.positions(), 0);
  problems[name] = std::move(p);
  return "ready";
}

std::string run(std::istringstream &words, Products products) {
  std::string name;
  int threads, repeats;
  words >> name >> threads >> repeats;
  Problem &p = problems.at(name);
  const double start = seconds(CLOCK_MONOTONIC), busy = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < repeats; i++) convolve(p, products, threads);
  std::ostringstream answer;
  answer.precision(9);
  answer << seconds(CLOCK_MONOTONIC) - start << ' ' << seconds(CLOCK_PROCESS_CPUTIME_ID) - busy;
  return answer.str();
}

std::string store(std::istringstream &words) {
  std::string name, path;
  words >> name;
  std::getline(words >> std::ws, path);
  const std::vector<int32_t> &sums = problems.at(name).sums;
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(sums.data()), std::streamsize(sums.size() * sizeof(int32_t)));
  file.close();
  return file ? "written" : "failed";
}

std::string answer(const std::string &line) {
  std::istringstream words(line);
  std::string command, loop;
  words >> command;
  if (command == "problem") return load(words);
  if (command == "sums") return store(words);
  if (command != "run") return "unknown command";
  words >> loop;
  if (loop == "table") return run(words, tableProducts);
  if (loop == "exact") return run(words, exactProducts);
  return "unknown loop";
}

} // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
