// What LLVM's libunwind makes of encodings and tables: macOS has this code in its own libunwind. It needs the sources of
// LLVM's libunwind (18 was used), which need not be built:
//
//     clang++ -std=c++17 -w -DNDEBUG -I libunwind/include -I libunwind/src libunwind-oracle.cpp -o oracle
//
// It reads lines from standard input, and answers each with a line.
//
//     walk WORD IMMEDIATE AT   a frame whose range has that word, and in its code that number at that offset:
//                              where each register was loaded from, as an offset from rsp or rbp
//     info HEX                 the section that `find` searches
//     find OFFSET              begin, end, encoding, LSDA and pointer to the personality routine of a place; `none`

#define _LIBUNWIND_SUPPORT_COMPACT_UNWIND 1
#define _LIBUNWIND_HIDE_SYMBOLS 1
#include "libunwind.h"
#include "config.h"
#include "UnwindCursor.hpp"
#include <iostream>
#include <sstream>
#include <string>
#include <sys/mman.h>

using namespace libunwind;

extern "C" void __libunwind_Registers_x86_64_jumpto(Registers_x86_64 *) { abort(); }
LocalAddressSpace LocalAddressSpace::sThisAddressSpace;

static const uint64_t IMAGE = 0x100000000, IMAGE_SIZE = 0x10000000, CODE = IMAGE + 0x8000000, INFO = IMAGE + 0xc000000;
static const uint64_t STACK = 0x200000000, STACK_SIZE = 0x100000;
static const uint64_t SP = STACK + 0x1000, BP = STACK + 0x80000;
static const uint64_t TAG = 0x5a5a000000000000;

// This process, with one image that has nothing but compact unwind.
class Image : public LocalAddressSpace {
public:
  bool findUnwindSections(pint_t, UnwindInfoSections &info) {
    memset(&info, 0, sizeof info);
    info.dso_base = IMAGE;
    info.text_segment_length = IMAGE_SIZE;
    info.compact_unwind_section = INFO;
    info.compact_unwind_section_length = IMAGE + IMAGE_SIZE - INFO;
    return true;
  }
};

static void put(uint64_t address, uint32_t value) { memcpy((void *)address, &value, 4); }

static std::string place(uint64_t value) {
  std::ostringstream out;
  if ((value & 0xffff000000000000) != TAG) return "?";
  uint64_t address = value & 0xffffffffffff;
  if (address >= BP - 0x8000) out << "bp" << std::showpos << (int64_t)(address - BP);
  else out << "sp" << std::showpos << (int64_t)(address - SP);
  return out.str();
}

static void walk(uint32_t word, uint32_t immediate, uint32_t at) {
  put(CODE + at, immediate);
  Image image;
  Registers_x86_64 registers;
  memset(&registers, 0, sizeof registers);
  registers.setSP(SP);
  registers.setRBP(BP);
  registers.setIP(CODE + 100);
  if (CompactUnwinder_x86_64<Image>::stepWithCompactEncoding(word, CODE, image, registers) != UNW_STEP_SUCCESS) {
    std::cout << "failed\n";
    return;
  }
  std::cout << "rip=" << place(registers.getIP());
  std::ostringstream sp;
  uint64_t value = registers.getSP();
  if (value >= BP - 0x8000) sp << "bp" << std::showpos << (int64_t)(value - BP);
  else sp << "sp" << std::showpos << (int64_t)(value - SP);
  std::cout << " rsp=" << sp.str();
  if (registers.getRBP() != BP) std::cout << " rbp=" << place(registers.getRBP());
  if (registers.getRBX() != 0) std::cout << " rbx=" << place(registers.getRBX());
  if (registers.getR12() != 0) std::cout << " r12=" << place(registers.getR12());
  if (registers.getR13() != 0) std::cout << " r13=" << place(registers.getR13());
  if (registers.getR14() != 0) std::cout << " r14=" << place(registers.getR14());
  if (registers.getR15() != 0) std::cout << " r15=" << place(registers.getR15());
  std::cout << "\n";
}

static void find(uint64_t offset) {
  Image image;
  typedef UnwindCursor<Image, Registers_x86_64> Cursor;
  unw_context_t context;
  memset(&context, 0, sizeof context);
  alignas(16) char space[sizeof(Cursor)];
  auto *cursor = new (reinterpret_cast<Cursor *>(space)) Cursor(&context, image);
  cursor->setReg(UNW_REG_IP, IMAGE + offset);
  cursor->setInfoBasedOnIPRegister(false);
  unw_proc_info_t info;
  memset(&info, 0, sizeof info);
  cursor->getInfo(&info);
  if (info.start_ip == 0 && info.end_ip == 0) {
    std::cout << "none\n";
    return;
  }
  auto from = [](uint64_t address) { return address == 0 ? 0 : address - IMAGE; };
  std::cout << std::hex << from(info.start_ip) << " " << from(info.end_ip) << " " << info.format << " "
            << from(info.lsda) << " " << info.handler << std::dec << "\n";
}

int main() {
  mmap((void *)IMAGE, IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  mmap((void *)STACK, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  for (uint64_t at = STACK; at < STACK + STACK_SIZE; at += 8) *(uint64_t *)at = TAG | at;
  // Pointers to personality routines, as the tables of the test have them.
  for (uint64_t at = IMAGE; at < IMAGE + 0x1000; at += 8) *(uint64_t *)at = at - IMAGE;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string command;
    in >> command >> std::hex;
    if (command == "walk") {
      uint32_t word, immediate, at;
      in >> word >> immediate >> at;
      walk(word, immediate, at);
    } else if (command == "info") {
      std::string hex;
      in >> hex;
      memset((void *)INFO, 0, 0x100000);
      for (size_t i = 0; i + 1 < hex.size(); i += 2)
        ((uint8_t *)INFO)[i / 2] = (uint8_t)std::stoul(hex.substr(i, 2), nullptr, 16);
      std::cout << "ok\n";
    } else if (command == "find") {
      uint64_t offset;
      in >> offset;
      find(offset);
    }
  }
}
