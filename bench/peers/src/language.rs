//! What the language costs the peer: reading, printing, verifying, and building through its `FunctionBuilder`.

use crate::{count, fail, median, parse, read, target};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::hint;
use std::time::{Duration, Instant};

/// Medians over at least three rounds and about a second.
fn timed(mut run: impl FnMut()) -> f64 {
    run();
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 3 || start.elapsed() < Duration::from_millis(700) {
        let round = Instant::now();
        run();
        times.push(round.elapsed().as_nanos() as f64);
    }
    median(&mut times)
}

/// The function that `bench/language.mjs` builds, call for call.
fn build(context: &mut FunctionBuilderContext, frontend: TargetFrontendConfig, rounds: i32) -> usize {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = vec![AbiParam::new(I64), AbiParam::new(I32)];
    signature.returns = vec![AbiParam::new(I32)];
    let mut func = Function::with_name_signature(UserFuncName::testcase("built"), signature);
    let mut b = FunctionBuilder::new(&mut func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let (pointer, given) = (b.block_params(entry)[0], b.block_params(entry)[1]);
    let left = b.declare_var(I32);
    let sum = b.declare_var(I32);
    b.def_var(left, given);
    let zero = b.ins().iconst(I32, 0);
    b.def_var(sum, zero);
    for i in 0..rounds {
        let (head, body, after) = (b.create_block(), b.create_block(), b.create_block());
        b.ins().jump(head, &[]);
        b.switch_to_block(head);
        let (l, s) = (b.use_var(left), b.use_var(sum));
        let more = b.ins().icmp(IntCC::SignedGreaterThan, l, s);
        b.ins().brif(more, body, &[], after, &[]);
        b.switch_to_block(body);
        b.seal_block(body);
        let x = b.ins().load(I32, MemFlagsData::trusted(), pointer, 8 * i);
        let s = b.use_var(sum);
        let product = b.ins().imul(x, s);
        let l = b.use_var(left);
        let difference = b.ins().bxor(x, l);
        let y = b.ins().iadd(product, difference);
        b.ins().store(MemFlagsData::trusted(), y, pointer, 8 * i + 4);
        let larger = b.ins().iadd(y, x);
        let s = b.use_var(sum);
        let chosen = b.ins().select(y, larger, s);
        b.def_var(sum, chosen);
        let l = b.use_var(left);
        let one = b.ins().iconst(I32, -1);
        let less = b.ins().iadd(l, one);
        b.def_var(left, less);
        b.ins().jump(head, &[]);
        b.seal_block(head);
        b.switch_to_block(after);
        b.seal_block(after);
    }
    let s = b.use_var(sum);
    b.ins().return_(&[s]);
    b.finalize(frontend);
    func.dfg.num_insts()
}

/// Times in nanoseconds per instruction for one file, JSON on stdout. `rounds` is how often the function built has its loop.
pub fn command_language(rounds: &str, path: &str) {
    let Ok(rounds) = rounds.parse::<i32>() else {
        fail(&format!("{rounds} is no number of rounds"))
    };
    let isa = target("none+single_pass");
    let text = read(path);
    let functions = parse(path, &text);
    let insts: usize = functions.iter().map(count).sum();
    let parsing = timed(|| {
        hint::black_box(parse(path, &text));
    });
    let mut characters = 0;
    let printing = timed(|| {
        characters = functions.iter().map(|func| func.display().to_string().len()).sum();
    });
    let verifying = timed(|| {
        for func in &functions {
            if let Err(errors) = cranelift_codegen::verify_function(func, &*isa) {
                fail(&format!("{path}: {}: {errors}", func.name));
            }
        }
    });
    let mut context = FunctionBuilderContext::new();
    let mut built = 0;
    let building = timed(|| {
        built = 0;
        while built < insts {
            built += build(&mut context, isa.frontend_config(), rounds);
        }
    });
    let each = |time: f64| time / insts as f64;
    println!(
        "{{\"insts\":{insts},\"parse\":{},\"print\":{},\"verify\":{},\"build\":{},\"characters\":{characters}}}",
        each(parsing),
        each(printing),
        each(verifying),
        building / built as f64
    );
}
