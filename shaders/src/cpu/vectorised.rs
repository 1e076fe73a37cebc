//! Vectorised code without compiler flags.

use pulp::Arch;

/// The instruction set with vectors of at most eight floats. Loops that memory limits gain nothing
/// from wider ones, and short sums that pass through memory lose.
pub(super) fn narrow() -> Arch {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Arch::V3(simd);
    }
    Arch::new()
}

/// Defines a function whose body is compiled once per instruction set; one that the machine supports
/// is selected at run time: [`narrow`], or the widest one if `widest` comes first, which pays where
/// arithmetic limits.
///
/// The body is ordinary scalar code for the compiler to vectorise. It is in a separate function so
/// that the aliasing guarantees of its arguments survive pulp's trait, and it is always inlined,
/// because code that is not inlined would be compiled without the wide instructions.
macro_rules! vectorised {
    (widest $($function:tt)*) => {
        vectorised!(@ pulp::Arch::new(), $($function)*);
    };
    (@ $arch:expr, $(#[$meta:meta])* fn $name:ident<$life:lifetime>($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        fn $name<$life>($($arg: $kind),*) {
            struct Kernel<$life> {
                $($arg: $kind),*
            }
            impl<$life> pulp::WithSimd for Kernel<$life> {
                type Output = ();

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    #[inline(always)]
                    fn body<$life>($($arg: $kind),*) $body
                    body($(self.$arg),*);
                }
            }
            $arch.dispatch(Kernel { $($arg),* });
        }
    };
    ($($function:tt)*) => {
        vectorised!(@ $crate::cpu::vectorised::narrow(), $($function)*);
    };
}
pub(super) use vectorised;
