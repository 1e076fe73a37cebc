//! Vectorised code without compiler flags.

/// Defines a function whose body is compiled once per instruction set; the widest one that the
/// machine supports is selected at run time.
///
/// The body is ordinary scalar code for the compiler to vectorise. It is in a separate function so
/// that the aliasing guarantees of its arguments survive pulp's trait, and it is always inlined,
/// because code that is not inlined would be compiled without the wide instructions.
macro_rules! vectorised {
    ($(#[$meta:meta])* fn $name:ident<$life:lifetime>($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
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
            pulp::Arch::new().dispatch(Kernel { $($arg),* });
        }
    };
}
pub(super) use vectorised;
