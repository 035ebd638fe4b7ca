//! Cranelift as a peer in our benchmarks: reads CLIF, times compilation, emits ELF objects. See `../run.mjs`.
//!
//! ```text
//! peers compile FILE...            times every mode on every file, JSON on stdout
//! peers cold MODE FILE             one pass over the file's functions in this fresh process, JSON on stdout
//! peers language ROUNDS FILE     reading, printing, verifying and building, JSON on stdout
//! peers emit MODE FILE OUT.o       an ELF object of the file, so that a C driver can call the code
//! ```
//!
//! What is timed for one function: `Context::compile` (verifier off) and the making of its unwind information. The copy
//! of the function that each compilation consumes is made outside the clock. All functions of a file go through one
//! `Context`, whose tables are reused as a JIT would.

mod language;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::{self, OwnedTargetIsa, unwind::UnwindInfo};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget, binemit::Reloc};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use std::{env, fs, hint, process};
use target_lexicon::Triple;

/// Name, `opt_level`, `regalloc_algorithm`.
const MODES: [(&str, &str, &str); 3] = [
    ("none+single_pass", "none", "single_pass"),
    ("none+backtracking", "none", "backtracking"),
    ("speed+backtracking", "speed", "backtracking"),
];

fn target(mode: &str) -> OwnedTargetIsa {
    let (_, level, allocator) = MODES
        .into_iter()
        .find(|m| m.0 == mode)
        .unwrap_or_else(|| fail(&format!("no mode {mode}")));
    let mut flags = settings::builder();
    let mut set =
        |name: &str, value: &str| flags.set(name, value).expect("a setting of this version");
    set("opt_level", level);
    set("regalloc_algorithm", allocator);
    set("enable_verifier", "false");
    set("is_pic", "true");
    set("unwind_info", "true");
    set("enable_probestack", "false");
    let triple: Triple = "x86_64-unknown-linux-gnu".parse().expect("a triple");
    // The baseline of the target, as ours: no detection of this machine's extensions.
    isa::lookup(triple)
        .expect("x64 is built in")
        .finish(settings::Flags::new(flags))
        .expect("an ISA")
}

fn fail(message: &str) -> ! {
    eprintln!("peers: {message}");
    process::exit(1)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| fail(&format!("{path}: {error}")))
}

/// Reads a file; outside of every timed part also verifies it, since compilation then leaves that out.
fn read_functions(path: &str, text: &str, isa: &OwnedTargetIsa) -> Vec<Function> {
    let functions = parse(path, text);
    for func in &functions {
        if let Err(errors) = cranelift_codegen::verify_function(func, &**isa) {
            fail(&format!("{path}: {}: {errors}", func.name));
        }
    }
    functions
}

fn parse(path: &str, text: &str) -> Vec<Function> {
    cranelift_reader::parse_functions(text)
        .unwrap_or_else(|error| fail(&format!("{path}: {error}")))
}

/// Instructions in the layout, the unit of every figure.
fn count(func: &Function) -> usize {
    func.layout
        .blocks()
        .map(|block| func.layout.block_insts(block).count())
        .sum()
}

/// Compiles one function; returns the size of its code and of its unwind entry's instructions.
fn compile(context: &mut Context, isa: &OwnedTargetIsa, func: Function) -> (Duration, usize) {
    context.clear();
    context.func = func;
    let mut control = ControlPlane::default();
    let start = Instant::now();
    let size = match context.compile(&**isa, &mut control) {
        Ok(code) => {
            let unwind = code.create_unwind_info(&**isa).expect("unwind information");
            hint::black_box(matches!(unwind, Some(UnwindInfo::SystemV(_))));
            code.code_buffer().len()
        }
        Err(error) => {
            let problem = format!("{:?}", error.inner);
            fail(&format!("{}: {problem}", context.func.name))
        }
    };
    (start.elapsed(), size)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Repeats `run` until there are enough samples in enough time, after a warm-up; the median in nanoseconds.
fn repeated(mut run: impl FnMut() -> Duration) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < Duration::from_millis(100) {
        run();
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 11 || (start.elapsed() < Duration::from_millis(400) && times.len() < 2001) {
        times.push(run().as_nanos() as f64);
    }
    median(&mut times)
}

fn command_compile(files: &[String]) {
    let isas = MODES.map(|mode| target(mode.0));
    let mut entries = Vec::new();
    for path in files {
        let text = read(path);
        let functions = read_functions(path, &text, &isas[0]);
        let insts: usize = functions.iter().map(count).sum();
        let parsing = repeated(|| {
            let start = Instant::now();
            hint::black_box(parse(path, &text));
            start.elapsed()
        });
        let mut modes = Vec::new();
        let mut context = Context::new();
        for (mode, isa) in MODES.iter().zip(&isas) {
            let mut bytes = 0;
            let compiling = repeated(|| {
                bytes = 0;
                let mut total = Duration::ZERO;
                for func in &functions {
                    let (time, size) = compile(&mut context, isa, func.clone());
                    total += time;
                    bytes += size;
                }
                total
            });
            modes.push(format!(
                "{:?}:{{\"compileNs\":{compiling},\"codeBytes\":{bytes}}}",
                mode.0
            ));
        }
        entries.push(format!(
            "{{\"file\":{path:?},\"functions\":{},\"insts\":{insts},\"parseNs\":{parsing},\"modes\":{{{}}}}}",
            functions.len(),
            modes.join(",")
        ));
    }
    println!(
        "{{\"peer\":\"cranelift {}\",\"files\":[{}]}}",
        cranelift_codegen::VERSION,
        entries.join(",\n")
    );
}

/// Time from the start of the first compilation to the end of the 1st, 10th, 100th … function, parsing apart.
fn command_cold(mode: &str, path: &str) {
    let isa = target(mode);
    let text = read(path);
    let start = Instant::now();
    let functions = parse(path, &text);
    let parsing = start.elapsed().as_nanos();
    let mut context = Context::new();
    let mut total = Duration::ZERO;
    let mut insts = 0;
    let mut points = Vec::new();
    for (done, func) in functions.into_iter().enumerate() {
        insts += count(&func);
        total += compile(&mut context, &isa, func).0;
        if [1, 10, 100, 1000, 10000].contains(&(done + 1)) {
            points.push(format!(
                "{{\"functions\":{},\"insts\":{insts},\"ns\":{}}}",
                done + 1,
                total.as_nanos()
            ));
        }
    }
    println!(
        "{{\"mode\":{mode:?},\"parseNs\":{parsing},\"points\":[{}]}}",
        points.join(",")
    );
}

fn command_emit(mode: &str, path: &str, out: &str) {
    use object::write::{
        Object, Relocation, SectionId, StandardSegment, Symbol, SymbolId, SymbolSection,
    };
    use object::{RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf};

    let isa = target(mode);
    let functions = read_functions(path, &read(path), &isa);
    let mut file = Object::new(
        object::BinaryFormat::Elf,
        object::Architecture::X86_64,
        object::Endianness::Little,
    );
    let text: SectionId = file.add_section(
        file.segment_name(StandardSegment::Text).to_vec(),
        b".text".to_vec(),
        SectionKind::Text,
    );
    let mut symbols: HashMap<String, SymbolId> = HashMap::new();
    let mut pending = Vec::new();
    let mut context = Context::new();
    for func in functions {
        let name = name_of(&func.name.to_string());
        compile(&mut context, &isa, func);
        let code = context.compiled_code().expect("compiled");
        let offset = file.append_section_data(text, code.code_buffer(), 16);
        let symbol = symbol(&mut file, &mut symbols, &name);
        *file.symbol_mut(symbol) = Symbol {
            value: offset,
            size: code.code_buffer().len() as u64,
            section: SymbolSection::Section(text),
            kind: SymbolKind::Text,
            ..blank(&name)
        };
        for reloc in code.buffer.relocs() {
            let FinalizedRelocTarget::ExternalName(target) = &reloc.target else {
                fail(&format!("{name}: a relocation to the inside of a function"))
            };
            let target = match target {
                ExternalName::TestCase(target) => name_of(&target.to_string()),
                ExternalName::LibCall(call) => libcall(&call.to_string()),
                other => fail(&format!("{name}: a call of {other:?}")),
            };
            pending.push((
                offset + u64::from(reloc.offset),
                target,
                reloc.kind,
                reloc.addend,
            ));
        }
    }
    for (offset, target, kind, addend) in pending {
        let symbol = symbol(&mut file, &mut symbols, &target);
        let r_type = match kind {
            Reloc::Abs8 => elf::R_X86_64_64,
            Reloc::Abs4 => elf::R_X86_64_32,
            Reloc::X86PCRel4 => elf::R_X86_64_PC32,
            Reloc::X86CallPCRel4 | Reloc::X86CallPLTRel4 => elf::R_X86_64_PLT32,
            Reloc::X86GOTPCRel4 => elf::R_X86_64_GOTPCREL,
            other => fail(&format!("{target}: relocation {other:?}")),
        };
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags: RelocationFlags::Elf { r_type },
        };
        file.add_relocation(text, relocation)
            .unwrap_or_else(|error| fail(&error.to_string()));
    }
    let note = file.add_section(vec![], b".note.GNU-stack".to_vec(), SectionKind::Other);
    file.append_section_data(note, &[], 1);
    let bytes = file
        .write()
        .unwrap_or_else(|error| fail(&error.to_string()));
    fs::write(out, bytes).unwrap_or_else(|error| fail(&format!("{out}: {error}")));

    fn blank(name: &str) -> Symbol {
        Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Unknown,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        }
    }
    fn symbol(file: &mut Object, known: &mut HashMap<String, SymbolId>, name: &str) -> SymbolId {
        *known
            .entry(name.to_string())
            .or_insert_with(|| file.add_symbol(blank(name)))
    }
}

fn name_of(printed: &str) -> String {
    printed.trim_start_matches('%').to_string()
}

/// The C function behind a library call that x64 without SSE4.1 needs.
fn libcall(name: &str) -> String {
    match name.trim_start_matches('%') {
        "CeilF32" => "ceilf",
        "CeilF64" => "ceil",
        "FloorF32" => "floorf",
        "FloorF64" => "floor",
        "TruncF32" => "truncf",
        "TruncF64" => "trunc",
        "NearestF32" => "nearbyintf",
        "NearestF64" => "nearbyint",
        "FmaF32" => "fmaf",
        "FmaF64" => "fma",
        "Memcpy" => "memcpy",
        "Memset" => "memset",
        "Memmove" => "memmove",
        other => fail(&format!("library call {other}")),
    }
    .to_string()
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("compile") if args.len() > 1 => command_compile(&args[1..]),
        Some("cold") if args.len() == 3 => command_cold(&args[1], &args[2]),
        Some("language") if args.len() == 3 => language::command_language(&args[1], &args[2]),
        Some("emit") if args.len() == 4 => command_emit(&args[1], &args[2], &args[3]),
        _ => {
            eprintln!("usage: peers compile FILE... | cold MODE FILE | language ROUNDS FILE | emit MODE FILE OUT.o");
            process::exit(2)
        }
    }
}
